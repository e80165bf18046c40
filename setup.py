"""Everything is declared in setup.cfg, except that plugins/ is installed as queuectl_plugins."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["queuectl", "queuectl.*"]),
        *(
            package.replace("plugins", "queuectl_plugins", 1)
            for package in find_packages(include=["plugins", "plugins.*"])
        ),
    ],
    package_dir={"queuectl_plugins": "plugins"},
)
