"""Drop-in plugins that ship with queuectl, installed as `queuectl_plugins`."""
