import { defined, formatPlannedEvent } from "@stackyard/core";
import type { StackDetails, UpgradePlan } from "@stackyard/sdk";
import { useState } from "react";
import { yard } from "../../api/client.ts";
import { newEventId } from "../../api/event-id.ts";
import { keys } from "../../api/keys.ts";
import { useLoad } from "../../api/use-load.ts";
import { useOperation } from "../../app/use-operation.tsx";
import { ActionDialog } from "../../design/dialog.tsx";
import { SelectField } from "../../design/fields.tsx";
import { Mark } from "../../design/mark.tsx";
import { Loaded } from "../../design/page.tsx";
import { Arrow, Reason, Text } from "../../design/text.tsx";

interface DialogProps {
  readonly stack: StackDetails;
  readonly refusal: string | undefined;
  readonly onClose: () => void;
}

/** Moves a stack to another revision of its machine, after a dry run. */
export function UpgradeDialog({ stack, refusal, onClose }: DialogProps) {
  const [id] = useState(newEventId);
  const [to, setTo] = useState("");
  const run = useOperation(stack.id);
  const revisions = useLoad(keys.machine(stack.machine, "revisions"), ({ signal }) =>
    yard.machines.revisions(stack.machine, { limit: 100, signal }),
  );
  const target = to === "" ? undefined : to;
  const plan = useLoad(keys.stack(stack.id, "upgrade-plan", { to, version: stack.version }), ({ signal }) =>
    yard.stacks.planUpgrade(stack.id, { signal, ...defined({ to: target }) }),
  );
  return (
    <ActionDialog
      title={`Upgrade ${stack.id}`}
      verb="Upgrade"
      reason="optional"
      refusal={refusal ?? findPlanRefusal(plan.data)}
      act={(reason) => {
        const options = { id, ...defined({ to: target, reason, plan: plan.data?.digest }) };
        return run("Upgrade", () => yard.stacks.upgrade(stack.id, options));
      }}
      onClose={onClose}
    >
      <div className="stack-v">
        <SelectField title="To the revision" value={to} onChange={setTo}>
          <option value="">the newest valid one</option>
          {revisions.data?.items.map(({ hash, current, stacks }) => (
            <option key={hash} value={hash}>
              {hash.slice(0, 8)}
              {current ? ", current" : ""}, {stacks} {stacks === 1 ? "stack" : "stacks"}
              {hash === stack.machineHash ? ", of this stack" : ""}
            </option>
          ))}
        </SelectField>
        <Loaded query={plan} height={120}>
          {(data) => <Plan plan={data} state={stack.state} />}
        </Loaded>
      </div>
    </ActionDialog>
  );
}

function findPlanRefusal(plan: UpgradePlan | undefined): string | undefined {
  if (plan === undefined) return "The dry run is not done";
  if (plan.outcome === "refused") return plan.reason ?? plan.code ?? "The upgrade would be refused";
  return plan.from === plan.to ? "The stack has this revision already" : undefined;
}

const SHOWN = 20;

function Plan({ plan, state }: { plan: UpgradePlan; state: string }) {
  const { outcome, from, to, code, reason, notes, events } = plan;
  return (
    <section className="plan" aria-label="Dry run">
      <p className="row">
        <Mark
          status={outcome === "applied" ? "succeeded" : "rejected"}
          word={outcome === "applied" ? "Would be applied" : "Would be refused"}
        />
        <span className="mono">
          {from.slice(0, 8)} <Arrow /> {to?.slice(0, 8) ?? "?"}
        </span>
      </p>
      {reason !== undefined && (
        <p>
          <Reason reason={reason} code={code} />
        </p>
      )}
      {[...notes, ...events.map(formatPlannedEvent)].map((note) => (
        <p key={note}>
          <Text>{note}</Text>
        </p>
      ))}
      {outcome === "applied" && events.length === 0 && (
        <p>
          Stays in <Text mono>{state}</Text>. The upgrade starts no task; the new revision decides from the next event
          on.
        </p>
      )}
      <Replay plan={plan} />
    </section>
  );
}

/** Renders what the incarnation would have been on the new revision. None of it happens. */
function Replay({ plan: { replayed, incomplete, differences, more, end } }: { plan: UpgradePlan }) {
  const differing = differences.length + more;
  return (
    <section className="plan-replay" aria-labelledby="plan-replay">
      <h3 id="plan-replay">Had it always run on this revision</h3>
      <p className="muted">
        {replayed} lines of the history replayed;{" "}
        {differing + end.length === 0 ? "nothing differs." : `${differing} would have had another outcome.`}
        {incomplete !== undefined && <Text>{` ${incomplete}`}</Text>}
      </p>
      {end.length > 0 && <p>The stack would be different now. The upgrade does not do this:</p>}
      <ul className="plain-list">
        {end.map(({ what, before, after }) => (
          <li key={what}>
            <Text>{what}</Text>: <Text mono>{String(before)}</Text> <Arrow /> <Text mono>{String(after)}</Text>
          </li>
        ))}
        {differences.slice(0, SHOWN).map(({ eventId, event, before, after }) => (
          <li key={eventId}>
            <Text>{event}</Text>: {before?.outcome ?? "not sent"} (<Text>{before?.state ?? "–"}</Text>) <Arrow />{" "}
            {after.outcome} (<Text>{after.state ?? "–"}</Text>)
          </li>
        ))}
      </ul>
      {differing > SHOWN && <p className="muted">{differing - SHOWN} more</p>}
    </section>
  );
}
