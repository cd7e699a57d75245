import { type FleetReportPage, toFleetTable } from "@stackyard/executor-runcommand";
import { keepYard, parseDemoWords } from "@stackyard/look";
import { play } from "./story.ts";

let begunAt: number | undefined;

/** Prints a line with the virtual time since the start. */
function tell(at: number, line: string): void {
  begunAt ??= at;
  const seconds = Math.round((at - begunAt) / 1_000);
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  console.log(`${time.padStart(6)}  ${line}`);
}

process.exitCode = await main(process.argv.slice(2));

/** Returns 0: success. 64: usage error. */
async function main(words: readonly string[]): Promise<number> {
  const about = "Instances of a repository with Ansible: at their boot, by a commit, and a retry, in a simulated AWS.";
  const options = parseDemoWords(words, { command: "npm run demo", about });
  if (typeof options === "number") return options;
  const { world, releases } = await play(tell);
  for (const { runId, status } of releases.slice(1)) {
    const pages = await world.yard.runs.report(runId);
    console.log(`\nThe report of the run whose pipeline has ${status.toLowerCase()}:\n`);
    // The executor's output is a page of its report.
    console.log(toFleetTable(pages as FleetReportPage[]));
  }
  if (options.keep) await keepYard({ ...world.yard, say: console.log, pass: world.pass });
  return 0;
}
