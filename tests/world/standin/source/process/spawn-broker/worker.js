// The gateway's helper process: a node of its own beside it that inherits its open files and ends with it.
process.on("disconnect", () => process.exit(0));
setInterval(() => {}, 60_000);
