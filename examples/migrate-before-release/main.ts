import { readFileSync } from "node:fs";
import { join } from "node:path";
import { keepYard, parseDemoWords } from "@stackyard/look";
import { release } from "./src/testing/release.ts";
import { createSimulatedYard } from "./src/testing/simulated-yard.ts";

process.exitCode = await main(process.argv.slice(2));

/** Returns 0: success. 64: usage error. */
async function main(words: readonly string[]): Promise<number> {
  const about = "Three revisions of an ECS service; each migrates its database before it is released.";
  const options = parseDemoWords(words, { command: "npm start", about });
  if (typeof options === "number") return options;
  const source = readFileSync(join(import.meta.dirname, "machines/release.yml"), "utf8");
  const world = createSimulatedYard(source, (line) => console.log(`    ${line}`));

  for (const revision of ["1", "2", "3"]) {
    console.log(`Revision ${revision} is released.`);
    const { state, reason, seconds } = await release(world, revision);
    const last = world.rolledOut.at(-1) ?? "none";
    console.log(
      `  ${state} after ${seconds} s; revision ${last} is live.${reason === undefined ? "" : `\n  ${reason}`}`,
    );
  }
  if (options.keep) await keepYard({ ...world.yard, say: console.log, pass: world.yard.advance });
  return 0;
}
