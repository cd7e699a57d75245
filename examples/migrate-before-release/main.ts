import { readFileSync } from "node:fs";
import { join } from "node:path";
import { release } from "./src/testing/release.ts";
import { createSimulatedYard } from "./src/testing/simulated-yard.ts";

const source = readFileSync(join(import.meta.dirname, "machines/release.yml"), "utf8");
const world = createSimulatedYard(source, (line) => console.log(`    ${line}`));

for (const revision of ["1", "2", "3"]) {
  console.log(`Revision ${revision} is released.`);
  const { state, reason, seconds } = await release(world, revision);
  const last = world.rolledOut.at(-1) ?? "none";
  console.log(`  ${state} after ${seconds} s; revision ${last} is live.${reason === undefined ? "" : `\n  ${reason}`}`);
}
