import { type AwsSim, createAwsSim, openSimClients } from "@stackyard/aws-sim";
import type { Clock, ExecutorContext } from "@stackyard/core";

/** A simulated account with the cluster and the function of this example. */
export interface SimulatedAccount {
  readonly sim: AwsSim;
  /** Revisions that were rolled out, oldest first. */
  readonly rolledOut: readonly string[];
  /** As the executors' contexts have it. */
  readonly aws: ExecutorContext["aws"];
}

const PLACE = { account: "111122223333", region: "eu-west-1" };

const MIGRATION = {
  name: "app",
  image: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:latest",
  command: ["migrate", "up"],
  logConfiguration: {
    logDriver: "awslogs",
    options: { "awslogs-group": "/web/migrate", "awslogs-region": PLACE.region, "awslogs-stream-prefix": "ecs" },
  },
} as const;

const FARGATE = { networkMode: "awsvpc", requiresCompatibilities: ["FARGATE"], cpu: "256", memory: "512" } as const;

/**
 * Creates an account with three revisions: one that migrates well, one that fails, and one with a first task that loses
 * its Spot capacity.
 */
export function createSimulatedAccount(clock: Clock): SimulatedAccount {
  const sim = createAwsSim({ clock });
  const rolledOut: string[] = [];
  sim.ecs.addCluster({ ...PLACE, name: "web" });
  for (let revision = 1; revision <= 3; revision++) {
    sim.ecs.registerTaskDefinition({ ...PLACE, family: "migrate", containerDefinitions: [MIGRATION], ...FARGATE });
  }
  scriptMigrations(sim);
  sim.lambda.addFunction({
    ...PLACE,
    name: "roll-out",
    handler: (event) => {
      rolledOut.push(String(Object(Object(event).args).revision));
      return {};
    },
  });
  return { sim, rolledOut, aws: openSimClients(sim, { ...PLACE, name: "runner" }) };
}

function scriptMigrations(sim: AwsSim): void {
  const logsOf = (...logs: readonly string[]) => ({ containers: { app: { logs } } });
  sim.ecs.script("migrate:1", { runsMs: 40_000, ...logsOf("0001_users: done", "0002_orders: done") });
  const logs = ["0003_invoices: done", 'ERROR: 0004_totals: column "amount" does not exist'];
  sim.ecs.script("migrate:2", { runsMs: 25_000, containers: { app: { exitCode: 1, logs } } });
  const endedBy = { afterMs: 5_000, code: "SpotInterruption", reason: "Your Spot Task was interrupted." } as const;
  sim.ecs.script("migrate:3", { endedBy, ...logsOf("0004_totals: begun") }, 1);
  sim.ecs.script("migrate:3", { runsMs: 30_000, ...logsOf("0004_totals: done") });
}
