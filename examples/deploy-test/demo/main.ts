import { toReleasePicture } from "@stackyard/executor-asg/releases";
import { keepYard, parseDemoWords } from "@stackyard/look";
import { play } from "./play.ts";

const { stdout } = process;
// The reader has closed the pipe, as with `| head`.
stdout.on("error", () => process.exit());
const columns = Math.min(stdout.columns ?? 100, 120);
let beganAt: number | undefined;

process.exitCode = await main(process.argv.slice(2));

/** Returns 0: success. 1: a check failed. 64: usage error. */
async function main(words: readonly string[]): Promise<number> {
  const about =
    "A release to Auto Scaling groups, one that is halted, its successor and a rollback, in a simulated AWS.";
  const options = parseDemoWords(words, { command: "npm run demo:release", about });
  if (typeof options === "number") return options;
  const say = (line: string) => void stdout.write(`${line}\n`);
  const { world, faults } = await play({
    say,
    picture(report, now) {
      beganAt ??= now;
      const minutes = Math.floor((now - beganAt) / 60_000);
      const seconds = Math.floor(((now - beganAt) % 60_000) / 1_000);
      const picture = toReleasePicture(report, { columns, colour: stdout.isTTY, now });
      stdout.write(`  ${minutes}:${String(seconds).padStart(2, "0")}\n${picture.replaceAll(/^/gm, "  ")}\n\n`);
    },
  });
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  if (options.keep) await keepYard({ ...world.yard, say, pass: world.yard.advance });
  return faults.length === 0 ? 0 : 1;
}
