import type { CoverageRow } from "@stackyard/sdk/artifacts";
import type { Act } from "./act.ts";
import { falsehood, oldReader, predecessor } from "./acts-of-content.ts";
import { arrival, forgery } from "./acts-of-trust.ts";
import { expiry, publication, truncation } from "./acts-on-the-way.ts";
import { checkBuckets } from "./check-buckets.ts";
import { formatMatrix } from "./format-matrix.ts";
import { CONSUMERS } from "./places.ts";
import { MINUTE_MS } from "./publish.ts";
import { createWorld, type World } from "./world.ts";

/** In their order. */
export const ACTS: readonly Act[] = [
  ...[publication, truncation, expiry, falsehood, forgery, predecessor, arrival, oldReader],
];

/** The result of the demo. */
export interface Played {
  readonly rows: readonly CoverageRow[];
  /** Files whose bytes were compared with the matrix. */
  readonly files: number;
  readonly rolledOut: readonly string[];
  /** The failed checks, in sentences. */
  readonly faults: readonly string[];
}

const SIGNED = /X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token/i;

/**
 * Runs the distributor and the consumers, causes failures, and checks the final state. `after` is called with the result
 * while everything still runs.
 */
export async function play(
  say: (line: string) => void,
  after: (world: World, played: Played) => Promise<void> = async () => {},
): Promise<Played> {
  const world = await createWorld();
  try {
    const places = world.consumers.map(({ plan }) => `${plan.name} (${plan.account}, ${plan.region})`);
    say(`A distributor in eu-west-1, and consumers: ${places.join(", ")}.`);
    say("Times are those of a clock that is turned: hours pass in seconds.\n");
    const faults: string[] = [];
    for (const { name, title, run } of ACTS) {
      say(title);
      const end = await run(world);
      for (const line of end.told) say(`  ${line}`);
      for (const fault of end.faults) faults.push(`${name}: ${fault}`);
      say("");
    }
    const played = await finish(world, faults, say);
    await after(world, played);
    return played;
  } finally {
    await world.close();
  }
}

async function finish(world: World, faults: readonly string[], say: (line: string) => void): Promise<Played> {
  const { sim, consumers, distributor, yard, errors } = world;
  const columns = [...consumers, ...world.old];
  const listRows = async () => (await distributor.call({ op: "coverage" })).rows;
  // A version is rolled out a little after all consumers have stored it.
  await world.passUntil(async () => findUncovered(await listRows(), yard.rolledOut).length === 0, 10 * MINUTE_MS);
  const rows = await listRows();
  const { files, faults: wrong } = await checkBuckets({ sim, rows, columns, call: distributor.call });
  for (const line of formatMatrix(rows, columns)) say(line);
  say(
    `\n${files} files compared with what the matrix says: ${wrong.length === 0 ? "all as it says" : "not as it says"}.`,
  );
  say(`Rolled out by the yard when they stood everywhere: ${yard.rolledOut.join(", ")}.`);
  const all = [
    ...[...faults, ...wrong, ...(await yard.findViolations())],
    ...errors.map((error) => `The distributor threw: ${error}`),
    ...findUncovered(rows, yard.rolledOut),
    ...(await findParked(world)),
    ...consumers.flatMap(({ plan, lines }) =>
      lines.some((line) => SIGNED.test(line)) ? [`${plan.name} logs URLs.`] : [],
    ),
  ];
  if (all.length === 0) say("\nAll of it is as it should be.");
  return { rows, files, rolledOut: yard.rolledOut, faults: all };
}

/**
 * Returns the uncovered versions. An overwritten file is not expected any more; all consumers stored it before, like
 * all others.
 */
function findUncovered(rows: readonly CoverageRow[], rolledOut: readonly string[]): readonly string[] {
  return rows.flatMap(({ name, version, covered, retired }) => [
    ...(covered || retired ? [] : [`${name} ${version} does not stand everywhere.`]),
    ...(rolledOut.filter((each) => each.endsWith(`@${version}`)).length === 1
      ? []
      : [`${name} ${version} was not rolled out once.`]),
  ]);
}

/**
 * Returns faults in dead letters: only virginia may have one, from the failed copy, and none may contain a presigned
 * URL.
 */
async function findParked({ consumers }: World): Promise<readonly string[]> {
  const parked = consumers.map(async ({ plan: { name }, takeParked }) => {
    const bodies = await takeParked();
    const isExpected = bodies.length > 0 === (name === CONSUMERS.virginia.name);
    return [
      ...(isExpected ? [] : [`${name} has parked ${bodies.length} messages.`]),
      ...(bodies.some((body) => SIGNED.test(body)) ? [`${name} has parked a URL.`] : []),
    ];
  });
  return (await Promise.all(parked)).flat();
}
