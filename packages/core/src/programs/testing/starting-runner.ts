import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { createProgramStarter } from "../program-starter.ts";
import { untilHelped } from "./until-helped.ts";

// Starts a program through the small process, in a folder, and prints the number of that process and its own. With `piped` the program
// and one that it has started wait for a minute; otherwise it writes to files for half a second. With `end` this process
// has nothing to do once the program has ended; otherwise it waits to be killed.
const [folder = "", ...how] = process.argv.slice(2);
const starter = createProgramStarter({ few: 0 });
const helper = await untilHelped(starter, folder);
const program = await start();
process.stdout.write(`${helper} ${program.pid}\n`);
if (how.includes("end")) await program.ended;
else setInterval(() => {}, 1_000);

async function start() {
  const common = { binary: "/bin/sh", cwd: folder, environment: { PATH: "/usr/bin:/bin" } };
  if (!how.includes("piped")) {
    const words = ["-c", "echo begins; sleep 0.5; echo saved; echo warned >&2"];
    return await starter.start({ ...common, arguments: words, out: `${folder}/out`, err: `${folder}/err` });
  }
  // Neither reads its input or writes, so neither is told of the end of this process.
  const words = ["-c", "sleep 60 & echo $! >number; mv number child; sleep 60"];
  const started = await starter.startPiped({ ...common, arguments: words, stdin: "", holdStdin: false });
  while (!existsSync(`${folder}/child`)) await delay(10);
  if (how.includes("end")) started.kill();
  for (const stream of [started.stdout, started.stderr, started.result]) stream.resume();
  return started;
}
