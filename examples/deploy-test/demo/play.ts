import type { ReleaseReport } from "@stackyard/sdk/releases";
import { type EndedJob, followJob } from "./follow-job.ts";
import { loadReleaseFiles } from "./load-files.ts";
import { createWorld, IMAGES, PLACE, type StandingGroup, type World } from "./world.ts";

/** Receives what happens. */
export interface Audience {
  /** Prints a permanent line. */
  say(line: string): void;
  /** Shows the current state of the release. `at`: epoch milliseconds of the virtual clock. */
  picture(report: ReleaseReport, at: number): void;
}

/** A step of the demo, and the expected state after it. */
export interface PlayedStep {
  readonly name: "released" | "halted" | "replaced" | "rolled back" | "over";
  readonly run: EndedJob | undefined;
  readonly groups: readonly StandingGroup[];
}

/** The result of the demo. */
export interface Played {
  readonly world: World;
  readonly steps: readonly PlayedStep[];
  /** The failed checks, in sentences. */
  readonly faults: readonly string[];
}

const HOUR_MS = 3_600_000;

/** Releases a version, halts the second, releases the third, and rolls back to the first. */
export async function play(audience: Audience): Promise<Played> {
  const world = createWorld();
  const steps: PlayedStep[] = [];
  const watcher = { see: audience.picture };
  const take = (name: PlayedStep["name"], run?: EndedJob) => {
    const groups = world.groups();
    steps.push({ name, run, groups });
    if (run !== undefined) audience.say(`${run.report?.end ?? run.state}. ${run.message}`.trim());
    audience.say(`${groups.map(formatGroup).join("; ") || "No servers"}.\n`);
  };

  audience.say("stackyard asg deploy deploy-test.json: the first version, on nothing.\n");
  take("released", await followJob(world, toDeployment(IMAGES.good), watcher));

  audience.say("A version that does not respond. An operator notices it: stackyard asg halt deploy-test.json\n");
  world.yard.sim.autoScaling.script({ tags: { ServiceName: "web" } }, { neverHealthy: true });
  const shallHalt = ({ state, services }: ReleaseReport) =>
    state === "WaitForHealthy" && Object.values(services).some(({ unhealthy }) => unhealthy > 0);
  take("halted", await followJob(world, toDeployment(IMAGES.broken), { ...watcher, shallHalt }));

  audience.say("A version that answers. The old servers are kept for an hour, without traffic.\n");
  world.yard.sim.autoScaling.script({ tags: { ServiceName: "web" } }, {});
  take("replaced", await followJob(world, toDeployment(IMAGES.next), watcher));

  audience.say("It turns out to have a bug: stackyard asg rollback examples/deploy-test development\n");
  take("rolled back", await followJob(world, { op: "rollback", at: AT, preset: "stackyard" }, watcher));

  audience.say("Two hours later nothing of the others is left.");
  await world.yard.advance(2 * HOUR_MS);
  take("over");
  return { world, steps, faults: [...findFaults(steps), ...(await world.yard.findViolations())] };
}

const AT = { ...PLACE, project: "examples/deploy-test", config: "development" };

function toDeployment(ami: string): Readonly<Record<string, unknown>> {
  const { document, userData } = loadReleaseFiles();
  return { op: "deploy", preset: "stackyard", release: { ...document, ami }, userData };
}

function formatGroup({ releaseId, servers, isKept }: StandingGroup): string {
  return `${servers} servers of ${releaseId}${isKept ? ", kept without traffic" : ""}`;
}

/** How each step must end, and which of the releases, in order of their start, has servers then. */
const EXPECTED: Readonly<Record<PlayedStep["name"], { readonly end?: string; readonly stand: readonly string[] }>> = {
  released: { end: "Success", stand: ["released"] },
  halted: { end: "FailureClean", stand: ["released"] },
  replaced: { end: "Success", stand: ["released (kept)", "replaced"] },
  "rolled back": { end: "Success", stand: ["released"] },
  over: { stand: ["released"] },
};

function findFaults(steps: readonly PlayedStep[]): readonly string[] {
  const releases = new Map(steps.map(({ name, run }) => [run?.report?.releaseId, name] as const).reverse());
  return steps.flatMap(({ name, run, groups }) => {
    const { end, stand } = EXPECTED[name];
    const found = groups
      .map(({ releaseId, isKept }) => `${releases.get(releaseId) ?? releaseId}${isKept ? " (kept)" : ""}`)
      .toSorted();
    return [
      ...(run?.report?.end === end ? [] : [`"${name}" ended with ${run?.report?.end}: ${run?.message}`]),
      ...(found.join() === stand.toSorted().join() ? [] : [`After "${name}" these stand: ${found.join(", ")}.`]),
      ...groups.filter(({ servers, isKept }) => servers < 4 && !isKept).map(() => `"${name}" left too few servers.`),
    ];
  });
}
