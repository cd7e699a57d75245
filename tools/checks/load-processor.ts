import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";

/** Half of the time, in short turns: tests still get on, but any of their steps may take long. */
const PROGRAM = `
  const BUSY_MS = 200;
  const work = () => {
    const end = Date.now() + BUSY_MS;
    while (Date.now() < end);
    setTimeout(work, BUSY_MS);
  };
  work();
  process.stdin.on("end", () => process.exit()).resume();
`;

/** Keeps each core busy half of the time until the returned function is called, or this process ends. */
export function loadProcessor(): () => void {
  const children = Array.from({ length: 2 * availableParallelism() }, () =>
    spawn(process.execPath, ["-e", PROGRAM], { stdio: ["pipe", "ignore", "inherit"] }),
  );
  return () => {
    for (const child of children) child.kill();
  };
}
