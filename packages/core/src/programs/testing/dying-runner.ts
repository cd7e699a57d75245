import { readFileSync } from "node:fs";
import { createProgramStarter } from "../program-starter.ts";

// Begins to start the small process, prints its number and kills itself.
const program = { binary: "/bin/true", arguments: [], cwd: "/", environment: {}, out: "/dev/null", err: "/dev/null" };
void createProgramStarter({ few: 0 }).start(program);
const [helper] = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").split(" ");
process.stdout.write(`${helper}\n`, () => process.kill(process.pid, "SIGKILL"));
