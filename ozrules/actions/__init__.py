"""What rules do besides calls: webhooks, on their own way and at their own pace. The only door to aiohttp's client."""
