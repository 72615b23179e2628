"""People of the shop: who they are, how they prove it, what they may do. Knows no web framework and no page.

signing_in.sign_up, sign_in        a person and their session, or one refusal that says no more than it must
sessions.person_of_cookie          who is signed in, from a browser's cookies
one_time_links                     the first operator, a new password
api_tokens                         what scripts come in with
people                             persons, roles, the contributor name that is theirs
throttling                         how often something may be tried
audit_trail.record                 who did what, kept by the database itself

Secrets are 256 random bits, stored as sha256; passwords are stored as argon2. Neither is ever in a log or in the audit trail.
"""
