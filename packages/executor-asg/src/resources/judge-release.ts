import type { Release } from "../document/release.ts";
import { foundOf } from "../lookups/found-of.ts";
import type { ReleaseLookUps, ServiceLookUps } from "../lookups/load-release-look-ups.ts";
import type { ResourceProblem } from "../lookups/look-up.ts";
import { toGroupFacts } from "../lookups/to-group-facts.ts";
import type { ReleaseConstants } from "../release-constants.ts";
import type { ServiceResources } from "../release-state.ts";
import { findPredecessors } from "./find-predecessors.ts";
import { judgeService, type ServiceVerdict, toCode } from "./judge-service.ts";
import type { GroupFacts } from "./sort-groups.ts";

/** What a release may use, and what stands in its way. */
export interface ReleaseVerdict {
  /** All at once, in the order of the look-ups and then of the rules. Their messages say of which release or service they are. */
  readonly problems: readonly ResourceProblem[];
  readonly warnings: readonly string[];
  /** By service; of a service with a problem there are no resources. */
  readonly services: Readonly<
    Record<string, { readonly resources?: ServiceResources; readonly previous?: GroupFacts }>
  >;
  /** All groups that go after success. */
  readonly old: readonly GroupFacts[];
  readonly previousReleaseId?: string;
  /** The largest slow start of all target groups. */
  readonly waitForDetachSeconds: number;
}

/** Judges all that was looked up. */
export function judgeRelease(looks: ReleaseLookUps, release: Release, constants: ReleaseConstants): ReleaseVerdict {
  const { project_name: project, config_name: config, aws_account_id: account } = release;
  const judged = looks.services.map((each): Judged => {
    const { service_name: name, subnets = release.subnets } = each.service;
    return { name, verdict: judgeService(each, subnets, { project, config, service: name, constants, account }) };
  });
  const predecessors = judgeGroups(looks, release, constants);
  const services = judged.map(({ name, verdict: { resources } }) => {
    const previous = Object.hasOwn(predecessors.previous, name) ? predecessors.previous[name] : undefined;
    const found = resources && { ...resources, ...(previous && { prev_asg_arn: previous.name }) };
    return [name, { ...(found && { resources: found }), ...(previous && { previous }) }] as const;
  });
  return {
    problems: [
      ...predecessors.problems.map((each) => prefix(each, `Release(${release.release_id}) Error:`)),
      ...toLines(judged, release, "missing"),
      ...toLines(judged, release, "refused"),
    ],
    warnings: [...new Set([...predecessors.warnings, ...judged.flatMap(({ verdict }) => verdict.warnings)])],
    services: Object.fromEntries(services),
    old: predecessors.old,
    ...(predecessors.previousReleaseId !== undefined && { previousReleaseId: predecessors.previousReleaseId }),
    waitForDetachSeconds: Math.max(0, ...looks.services.flatMap(toSlowStarts)),
  };
}

interface Judged {
  readonly name: string;
  readonly verdict: ServiceVerdict;
}

function toSlowStarts({ targetGroups }: ServiceLookUps): readonly number[] {
  return targetGroups.flatMap(foundOf).map(({ slowStartSeconds }) => slowStartSeconds);
}

function prefix(problem: ResourceProblem, text: string): ResourceProblem {
  return { ...problem, message: `${text} ${problem.message}` };
}

/** What is wrong with one service is said of it; what several have in common, such as the image, once of the release. */
function toLines(
  judged: readonly Judged[],
  { release_id }: Release,
  part: "missing" | "refused",
): readonly ResourceProblem[] {
  const byMessage = new Map<string, { problem: ResourceProblem; services: Set<string> }>();
  for (const { name, verdict } of judged) {
    for (const problem of verdict[part]) {
      const known = byMessage.get(problem.message) ?? { problem, services: new Set() };
      byMessage.set(problem.message, known);
      known.services.add(name);
    }
  }
  return [...byMessage.values()].map(({ problem, services: [name, ...others] }) =>
    prefix(problem, others.length > 0 ? `Release(${release_id}) Error:` : `Service(${name}) Error:`),
  );
}

interface JudgedGroups extends Pick<ReleaseVerdict, "problems" | "warnings" | "old" | "previousReleaseId"> {
  readonly previous: Readonly<Record<string, GroupFacts>>;
}

function judgeGroups({ groups }: ReleaseLookUps, release: Release, constants: ReleaseConstants): JudgedGroups {
  if (groups.kind === "refused") return { problems: groups.problems, warnings: [], old: [], previous: {} };
  const found = findPredecessors(groups.value.map(toGroupFacts), release, constants.generation);
  const warnings = [
    ...found.unowned.map(({ name }) => `Group "${name}" is of no release. It is left alone.`),
    ...found.retired.map(
      ({ name }) => `Group "${name}" was kept for a rollback. It is deleted before anything is created.`,
    ),
  ];
  if (found.kind === "found") return { ...found, problems: [], warnings };
  const problems = found.problems.map(({ code, message }) => ({ code: toCode(code), message }));
  return { problems, warnings, old: [], previous: {} };
}
