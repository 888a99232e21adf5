"""The connection type ``ozeki-webclient``: a page in a headless browser that speaks the vendor's JavaScript API.

The vendor's wire protocol is not public, so the documented way in is taken: a page loads the vendor's
``/WebphoneAPI`` script and calls what the documentation names. The page is a gateway of the session protocol; the
daemon's side of that is `ozrules.connectors.gateway`, the same as for any other gateway. What is here is the page
(`page.html` and its modules), and the process that keeps a browser on it (`webclient`).
"""
