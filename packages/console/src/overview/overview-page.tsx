import { toCount } from "../api/use-load.ts";
import { totalOf, useMainConditions } from "../api/use-main-conditions.ts";
import { FirstStack } from "../design/first-stack.tsx";
import { ErrorNotice, Page, Panel, Skeleton } from "../design/page.tsx";
import { useMedia } from "../design/use-media.ts";
import { Activity } from "./activity.tsx";
import { Attention } from "./attention.tsx";
import { Capacity } from "./capacity.tsx";
import { countNeedy, formatNeedy } from "./count-needy.ts";
import { CountsPanel } from "./counts-panel.tsx";
import { useFailedJobs } from "./failed-jobs.tsx";
import { Latest, useLatest } from "./latest.tsx";
import { PreviewsPanel } from "./previews-panel.tsx";
import { RunningAttempts } from "./running-attempts.tsx";
import { YardBlocks } from "./yard-blocks.tsx";
import "./overview.css";

/** Renders how the yard is: counts, what needs a person, what runs, what happened, what it costs. */
export function OverviewPage() {
  const { query, counts, machines } = useMainConditions();
  const total = counts && totalOf(counts);
  const jobs = useFailedJobs();
  const latest = useLatest();
  // In a yard in which nothing has happened yet, not even a job, panels would be empty.
  const isNew = total === 0 && latest.data?.items.length === 0;
  // The causes are seen without scrolling over all stacks.
  const isPhone = useMedia("(max-width: 719px)");
  const sentence =
    counts === undefined || machines === undefined || total === undefined || total === 0
      ? undefined
      : `${formatCount(total, "stack")} of ${formatCount(machines.length, "machine")}. ${formatNeedy(
          countNeedy(
            counts,
            toCount(jobs, ({ length }) => length),
          ),
        )}`;
  return (
    <Page title="Overview" sentence={sentence} actions={<Capacity />}>
      {counts === undefined && (query.error === null ? <Skeleton height={200} /> : <ErrorNotice error={query.error} />)}
      {total === 0 && <FirstStack shows={SHOWS} />}
      {counts !== undefined && machines !== undefined && !isNew && (
        <>
          {total !== 0 && <CountsPanel counts={counts} machines={isPhone ? undefined : machines} />}
          <div className="overview-grid">
            <div className="overview-main">
              <Attention counts={counts} jobs={jobs} />
              {isPhone && total !== 0 && (
                <Panel title="Stacks of each machine">
                  <YardBlocks machines={machines} />
                </Panel>
              )}
              <RunningAttempts />
            </div>
            <div className="overview-side">
              <PreviewsPanel />
              <Latest />
            </div>
          </div>
          <Activity />
        </>
      )}
    </Page>
  );
}

const SHOWS =
  "Here you will see how many stacks are healthy, what needs attention and why, what runs, what happened last, and what it costs.";

function formatCount(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
