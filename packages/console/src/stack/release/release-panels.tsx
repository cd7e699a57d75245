import type { Attempt, Board } from "@stackyard/sdk";
import type { UseQueryResult } from "@tanstack/react-query";
import { yard } from "../../api/client.ts";
import { itemsOf, useLoad } from "../../api/use-load.ts";
import { ErrorNotice, MissingNotice, Skeleton } from "../../design/page.tsx";
import { isPlanDigest } from "../../design/release/plan-digest.ts";
import { PlanOnDemand } from "../../design/release/plan-on-demand.tsx";
import { BoardPanel, useBoards } from "../../releases/boards.tsx";
import { FailureNotices } from "../failure-notice.tsx";
import type { StackProps } from "../source.ts";
import { DeploysPanel, listWide } from "./deploys-panel.tsx";
import { GatePanel, useCalendar } from "./gate-panel.tsx";
import { ReleaseFacts } from "./release-facts.tsx";
import { ReleaseStacks } from "./release-stacks.tsx";
import { StageStrip } from "./stage-strip.tsx";

interface ReleaseProps extends StackProps {
  readonly attempts: UseQueryResult<readonly Attempt[]>;
}

/** Lines of the history that say when the release was where, and who approved it. */
const LINES = 200;

/** Loads what a release has sent, when it may send, and its history. */
export function useRelease({ source, stack, attempts }: ReleaseProps) {
  const deploys = useLoad(source.key("deploys"), (request) => yard.deploys.list(stack.id, request));
  const calendar = useCalendar({ source, stack, attempts: attempts.data });
  const history = useLoad(source.key("history", { newest: LINES }), ({ signal }) =>
    source.loadHistory({ limit: LINES, signal }),
  );
  return { attempts, deploys, calendar, history, items: itemsOf(deploys), entries: itemsOf(history) };
}

/** Renders a release: who approved it, its stages, waves with their gate, its stacks, and its place on the board. */
export function ReleasePanels({
  source,
  stack,
  release,
}: StackProps & { readonly release: ReturnType<typeof useRelease> }) {
  const { attempts, deploys, calendar, history, items, entries } = release;
  const wide = listWide(items);
  const plan =
    items.find((deploy) => deploy.plan !== undefined && deploy.plan !== "")?.plan ??
    stack.approvals?.find(({ of }) => isPlanDigest(of))?.of;
  return (
    <>
      <ReleaseFacts stack={stack} entries={entries} plan={plan} />
      <MissingNotice query={history} />
      <MissingNotice query={attempts} />
      {attempts.data !== undefined && (
        <StageStrip
          source={source}
          stack={stack}
          attempts={attempts.data}
          deploys={items}
          entries={entries}
          plan={plan}
        />
      )}
      <FailureNotices source={source} stack={stack} />
      {deploys.data === undefined && deploys.error === null && <Skeleton height={320} />}
      {deploys.data === undefined && deploys.error !== null && (
        <ErrorNotice error={deploys.error} onRetry={() => void deploys.refetch()} />
      )}
      <div className="release-now">
        <DeploysPanel items={wide} />
        <GatePanel attempts={itemsOf(attempts)} calendar={calendar} />
      </div>
      {wide.length > 0 ? (
        <ReleaseStacks release={stack.id} items={wide} />
      ) : (
        isPlanDigest(plan) && <PlanOnDemand release={stack.id} plan={plan} />
      )}
      <BoardOfRelease release={stack.id} machine={stack.machine} />
    </>
  );
}

/** Renders the board of the release's machine, with its own versions marked; nothing for a machine without one. */
function BoardOfRelease({ release, machine }: { readonly release: string; readonly machine: Board["machine"] }) {
  const boards = useBoards();
  if (boards.data === undefined) return <MissingNotice query={boards} />;
  if (!boards.data.some((board) => board.machine === machine)) return null;
  return <BoardPanel machine={machine} title="Board" marked={release} />;
}
