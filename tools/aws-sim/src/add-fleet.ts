import type { AwsSim } from "./aws-sim.ts";
import type { Place } from "./sim-call.ts";
import type { Outcome } from "./ssm/sim-command.ts";

/** A fleet to make. */
export interface FleetInput extends Place {
  readonly count: number;
  /** How often each defect is there. Default: nothing is broken. */
  readonly broken?: Readonly<Partial<Record<FleetDefect, number>>>;
}

/** What can be wrong with an instance. */
export type FleetDefect = keyof typeof DEFECTS;

/** An instance of the fleet. */
export interface FleetMember {
  readonly instanceId: string;
  readonly defect: FleetDefect | undefined;
  readonly roles: string;
}

interface Defect {
  readonly outcome?: Outcome;
  readonly roles?: string;
  readonly agent?: "none" | "lost";
}

const ROLES = ["webserver,appserver", "dbserver", "common"];

/** Ways in which real fleets break, one for each kind that a report distinguishes. */
const DEFECTS = {
  /** The playbook fails. */
  playbook: { outcome: { exitCode: 2, stderr: "fatal: [localhost]: FAILED! => package nginx not found\n" } },
  /** A task of it fails after much output. */
  noisy: {
    outcome: { exitCode: 4, stdout: "changed: [localhost]\n".repeat(2_000), stderr: "no space left on device\n" },
  },
  /** The playbook never ends. */
  hangs: { outcome: { runsForMs: Number.POSITIVE_INFINITY } },
  /** SSM cannot deliver. */
  undeliverable: { outcome: { undeliverable: true } },
  /** The agent no longer accepts commands. */
  unreachable: { agent: "lost" },
  /** The agent was never installed, whatever the tag says. */
  unregistered: { agent: "none" },
  /** The role tag is not a list of roles. */
  roles: { roles: "web;rm -rf" },
  /** The second try succeeds. */
  flaky: { outcome: { exitCode: 1, stderr: "mirror is down\n" } },
} as const satisfies Readonly<Record<string, Defect>>;

/**
 * Adds instances that run, tagged `has_ssm_agent` and `Ansible_Roles`, with agents. The broken ones are spread over the
 * fleet; gives all in the order of their launch.
 */
export function addFleet(sim: AwsSim, { count, broken = {}, ...input }: FleetInput): FleetMember[] {
  const defects = spread(count, broken);
  return Array.from({ length: count }, (_, index) => addMember(sim, input, { index, defect: defects.get(index) }));
}

function addMember(
  sim: AwsSim,
  { account, region }: Place,
  { index, defect }: { readonly index: number; readonly defect: FleetDefect | undefined },
): FleetMember {
  const at = { account, region };
  const good = { runsForMs: 20_000 + (index % 21) * 1_000, stdout: "PLAY RECAP: ok=12 changed=3\n" };
  const wrong: Defect = defect === undefined ? {} : DEFECTS[defect];
  const { outcome = good, roles = ROLES[index % ROLES.length] ?? "", agent } = wrong;
  const instanceId = sim.ec2.addInstance({ ...at, tags: { has_ssm_agent: "true", Ansible_Roles: roles } });
  if (agent !== "none") sim.ssm.addAgent({ ...at, instanceId, ping: agent === "lost" ? "ConnectionLost" : "Online" });
  sim.ssm.script(instanceId, outcome, ...(defect === "flaky" ? [good] : []));
  return { instanceId, defect, roles };
}

/** Returns the positions of broken instances in the fleet, far from each other. */
function spread(count: number, broken: NonNullable<FleetInput["broken"]>): ReadonlyMap<number, FleetDefect> {
  const all = Object.entries(broken).flatMap(([defect, many]) =>
    Array.from({ length: many ?? 0 }, () => toDefect(defect)),
  );
  if (all.length > count) throw new RangeError(`${all.length} broken instances do not fit into a fleet of ${count}.`);
  return new Map(all.map((defect, index) => [Math.floor(((index + 0.5) * count) / all.length), defect]));
}

function toDefect(name: string): FleetDefect {
  if (Object.hasOwn(DEFECTS, name)) return name as FleetDefect;
  throw new RangeError(`Unknown defect "${name}".`);
}
