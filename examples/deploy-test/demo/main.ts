import { toReleasePicture } from "@stackyard/executor-asg/releases";
import { play } from "./play.ts";

const { stdout } = process;
// The reader has closed the pipe, as with `| head`.
stdout.on("error", () => process.exit());
const columns = Math.min(stdout.columns ?? 100, 120);
let beganAt: number | undefined;

const { faults } = await play({
  say: (line) => void stdout.write(`${line}\n`),
  picture(report, now) {
    beganAt ??= now;
    const minutes = Math.floor((now - beganAt) / 60_000);
    const seconds = Math.floor(((now - beganAt) % 60_000) / 1_000);
    const picture = toReleasePicture(report, { columns, colour: stdout.isTTY, now });
    stdout.write(`  ${minutes}:${String(seconds).padStart(2, "0")}\n${picture.replaceAll(/^/gm, "  ")}\n\n`);
  },
});

for (const fault of faults) process.stderr.write(`${fault}\n`);
process.exitCode = faults.length === 0 ? 0 : 1;
