import type { Attempt, Deploy } from "@stackyard/sdk";
import { useState } from "react";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { Button } from "../design/button.tsx";
import { To } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { ErrorNotice, Panel } from "../design/page.tsx";
import { isPlanDigest } from "../design/plan-digest.ts";
import { DeploysPanel } from "./deploys-panel.tsx";
import { GatePanel, useCalendar } from "./gate-panel.tsx";
import { useOperateRefusal } from "./refusals.ts";
import { ReleaseFacts } from "./release-facts.tsx";
import { RetryFailed } from "./retry-failed.tsx";
import { SendDialog } from "./send-dialog.tsx";
import type { StackProps } from "./source.ts";
import { StageStrip } from "./stage-strip.tsx";

interface ReleaseProps extends StackProps {
  readonly attempts: readonly Attempt[];
}

/** Lines of the history that say when the release was where, and who approved it. */
const LINES = 200;

/** Renders a release: who approved it, its stages, waves with their stacks, the way back, closed gates, and the plan that it follows. */
export function ReleasePanels({ source, stack, attempts }: ReleaseProps) {
  const deploys = useLoad(source.key("deploys"), (request) => yard.deploys.list(stack.id, request));
  const calendar = useCalendar({ source, stack, attempts });
  const history = useLoad(source.key("history", { newest: LINES }), ({ signal }) =>
    source.loadHistory({ limit: LINES, signal }),
  );
  const items = deploys.data ?? [];
  const entries = history.data?.items ?? [];
  const plan =
    items.find((deploy) => deploy.plan !== undefined && deploy.plan !== "")?.plan ??
    stack.approvals?.find(({ of }) => isPlanDigest(of))?.of;
  return (
    <>
      <ReleaseFacts stack={stack} entries={entries} plan={plan} />
      <StageStrip source={source} stack={stack} attempts={attempts} deploys={items} entries={entries} />
      {deploys.data === undefined && deploys.error !== null && (
        <ErrorNotice error={deploys.error} onRetry={() => void deploys.refetch()} />
      )}
      <div className="release-now">
        <DeploysPanel
          items={items}
          release={stack.id}
          calendar={calendar.data}
          actions={
            <>
              <RetryFailed source={source} stack={stack} items={items} />
              <UndoButton source={source} stack={stack} items={items} />
            </>
          }
        />
        <GatePanel attempts={attempts} calendar={calendar} />
      </div>
      {isPlanDigest(plan) && <PlanSummary release={stack.id} plan={plan} />}
    </>
  );
}

/** Renders what the plan says in all; its table has a page of its own. */
function PlanSummary({ release, plan }: { release: string; plan: string }) {
  const head = useLoad(keys.count("plan", { release, plan }), (request) => yard.deploys.plan(release, plan, request));
  if (head.data === undefined) return null;
  const { counts, runs, changed } = head.data;
  const parts = Object.entries(counts).flatMap(([word, count]) => (count > 0 ? [`${count} ${word}`] : []));
  return (
    <Panel
      title="Plan"
      actions={
        <To path="/plan" search={{ stack: release, plan }}>
          Each stack of the plan
        </To>
      }
    >
      <p className="panel-body">
        {parts.join(", ")}; {runs} {runs === 1 ? "task" : "tasks"} would run.{" "}
        {changed > 0 && <Mark status="overdue" word={`${changed} changed since: plan again`} />}
      </p>
    </Panel>
  );
}

function UndoButton({ source, stack, items }: StackProps & { readonly items: readonly Deploy[] }) {
  const [isOpen, setIsOpen] = useState(false);
  const refusal = useOperateRefusal(source, stack, "send");
  const event = items.find(({ undo }) => undo !== undefined)?.undo;
  if (event === undefined) return null;
  return (
    <>
      <Button look="danger" refusal={refusal} onPress={() => setIsOpen(true)}>
        Undo release…
      </Button>
      {isOpen && (
        <SendDialog
          source={source}
          stack={stack}
          refusal={refusal}
          initial={{ event, texts: {} }}
          onClose={() => setIsOpen(false)}
        />
      )}
    </>
  );
}
