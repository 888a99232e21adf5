"""What admins look at: health, metrics, the dashboard. It sees the daemon through `source`, and changes nothing."""
