"""What the configuration file says, as frozen values. Nothing else in the program reads it, or the environment."""
