"""What the demo's processes use over a long time, for `benchmarks.soak` and `benchmarks.replay`: it should be flat."""

from benchmarks.measure import Place, descriptors, disk_mb, memory_mb


class Usage:
    """Takes samples of the memory and the files of each process, and of the embedded database's disk."""

    def __init__(self, place: Place, **processes: int):
        self.place, self.processes, self.samples = place, processes, []
        if place.embedded:
            self.processes = {"embedded": place.embedded.process.pid} | processes

    def print_head(self, time: str, *others: str) -> None:
        """Prints the line of names; `time` is the unit of a sample's time."""
        names = "".join(f"{f'{name} MB, fds':>20}" for name in self.processes)
        print(f"{time:>8}{names}  disk MB" + "".join(f"{other:>15}" for other in others))

    def sample(self, time: float, *others: int) -> None:
        """Takes a sample, and prints its line; `others` are the values of the other names."""
        used = {name: (memory_mb(pid), descriptors(pid)) for name, pid in self.processes.items()}
        self.samples.append(used | {"disk": disk_mb(self.place.data)})
        cells = "".join(f"{f'{memory}, {files}':>20}" for memory, files in used.values())
        cells += f"{self.samples[-1]['disk']:9}" + "".join(f"{other:15}" for other in others)
        print(f"{time:8.1f}{cells}", flush=True)

    def growth(self) -> dict:
        """How much more was used at the end than in the middle, as JSON has it."""
        middle, last = self.samples[len(self.samples) // 2 - 1], self.samples[-1]
        memory, files = ({name: last[name][i] - middle[name][i] for name in self.processes} for i in (0, 1))
        return {"growth_mb_in_second_half": memory, "growth_fds_in_second_half": files,
                "disk_mb": [middle["disk"], last["disk"]]}
