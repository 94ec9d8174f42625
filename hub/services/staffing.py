"""Members of staff."""

from hub.errors import Invalid
from hub.services.hub import Actor, Hub, require

ROLES = frozenset({"nurse", "physician", "pharmacist", "social_worker", "operator", "admin"})
MIN_PASSWORD = 12


def add_staff(hub: Hub, actor: Actor, login: str, name: str, role: str, password: str, phone: str | None) -> int:
    """A new member of staff; their id. Raises ``Invalid`` naming each wrong field."""
    require(actor, frozenset({"admin"}))
    wrong: dict[str, str] = {}
    if not login.strip():
        wrong["login"] = "is needed"
    if not name.strip():
        wrong["name"] = "is needed"
    if role not in ROLES:
        wrong["role"] = f"is one of {', '.join(sorted(ROLES))}"
    if len(password) < MIN_PASSWORD:
        wrong["password"] = f"needs at least {MIN_PASSWORD} characters"
    if wrong:
        raise Invalid(wrong)
    now = hub.clock.now()
    stored = hub.passwords.hash(password)
    with hub.unit_of_work() as uow:
        if uow.staff.by_login(login.strip()) is not None:
            raise Invalid({"login": "is taken"})
        staff_id = uow.staff.add(login.strip(), name.strip(), role, phone, stored, now)
        uow.audit.write(now, actor.name, "staff.add", f"staff:{staff_id}", {"role": role})
        uow.commit()
    return staff_id
