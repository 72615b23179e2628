"""The shop over HTTP, mounted at /api beside the pages: forms that sign in, and JSON for scripts. Decides nothing that the shop decides.

app.create_api       the application           callers   who asks: session or token, role, scope
form_routes          sign in, up and out       origins   what another site may not do
one_time_routes      links and passwords       failures  how errors are answered
account_routes       JSON: me, tokens          guards    headers, and how large a request may be
html_pages           the look of the forms
orders, library      what was bought           downloads what is handed out
webhooks             the payment provider's news
"""
