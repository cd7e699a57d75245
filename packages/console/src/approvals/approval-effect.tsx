import type { Approval, DeployPlan, StackDetails } from "@stackyard/sdk";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { formatLosses } from "../design/approval/ask-figures.ts";
import { countMoved } from "../design/release/count-moved.ts";
import { isPlanDigest } from "../design/release/plan-digest.ts";
import { Text } from "../design/text.tsx";

interface EffectProps {
  readonly approval: Approval;
  readonly details: StackDetails;
}

/** Stacks of a plan whose losses are added up. */
const READ = 100;

/** Renders what the last missing approval lets happen: how many stacks move, in which order, what is destroyed, and what follows. */
export function Effect({ approval: { task, of, stackId }, details }: EffectProps) {
  const isPlan = isPlanDigest(of);
  const plan = useLoad(
    keys.count("plan", { release: stackId, plan: of }),
    (request) => yard.deploys.plan(stackId, of ?? "", request),
    { enabled: isPlan },
  );
  const stacks = useLoad(
    keys.count("plan-losses", { release: stackId, plan: of }),
    (request) => yard.deploys.planStacks(stackId, of ?? "", { limit: READ, ...request }),
    { enabled: isPlan },
  );
  const dependents = details.tasks.filter((each) => each.waitsFor?.tasks?.includes(task)).map(({ name }) => name);
  const { states = [], removal = false } = details.reachable ?? {};
  const losses = stacks.data && formatLosses(stacks.data.items, stacks.data.cursor === undefined);
  return (
    <div className="panel-body stack-v approval-effect">
      {plan.data !== undefined && (
        <p>
          <Text>{formatMoves(plan.data)}</Text>
        </p>
      )}
      {losses !== undefined && <p className="tone-fail">{losses}</p>}
      {dependents.length > 0 && (
        <p>
          Starts: <Text>{dependents.join(", ")}</Text>.
        </p>
      )}
      <p>
        {states.length === 0 ? "The stack stays in its state." : `The stack can then reach ${states.join(", ")}`}
        {removal ? " and be removed." : states.length > 0 && "."}
      </p>
    </div>
  );
}

/** Returns how many stacks a plan moves, and in which order. */
export function formatMoves({ counts, tasks }: Pick<DeployPlan, "counts" | "tasks">): string {
  const moved = countMoved({ counts });
  const changed = moved - counts.create;
  const does = [
    ...(counts.create === 0 ? [] : [`creates ${formatStacks(counts.create)}`]),
    ...(changed === 0 && counts.create > 0 ? [] : [`changes ${formatStacks(changed)}`]),
  ].join(" and ");
  const order = tasks.map(({ task, waves }) => (waves.length > 1 ? `${task} in waves ${waves.join(", ")}` : task));
  return `Approving ${does}: ${order.join(", then ")}.`;
}

function formatStacks(count: number): string {
  return `${count.toLocaleString("en")} ${count === 1 ? "stack" : "stacks"}`;
}
