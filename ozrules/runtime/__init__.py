"""The asyncio shell around the engine: one writer, one inbox, effects carried out in order."""
