from ironcore.base.files import FileDirectory

class SimulatedDirectory(FileDirectory):
    def contents(self) -> dict[str, bytes]: ...
