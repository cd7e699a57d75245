import type { Attempt } from "@stackyard/sdk";
import type { Job } from "@stackyard/sdk/jobs";
import { useState } from "react";
import { statusOfJob } from "../api/job-states.ts";
import { Gantt, type GanttRow } from "../design/charts/gantt.tsx";
import { CopyImage } from "../design/copy-image.tsx";
import { Mark } from "../design/mark.tsx";
import { MissingNotice, Panel } from "../design/page.tsx";
import { Steps } from "../design/run/steps.tsx";
import { useNow } from "../design/text.tsx";
import { toGanttBar } from "./attempt-bars.ts";
import { toAttemptSteps } from "./run-steps.ts";
import { toRunTimes } from "./run-times.ts";
import { useRunWork } from "./use-run.ts";

interface RunTimelineProps {
  readonly job: Job;
  /** The parts of its work, such as waves, below the attempts. */
  readonly rows?: readonly GanttRow[];
}

/** Without attempts, the parts of its work are drawn, with a notice. */
const NONE: readonly Attempt[] = [];

/**
 * Renders when a job waited and was worked, on one line of time; a bar leads to its log. One attempt that has ended is
 * no picture: its start and its duration are in the head.
 */
export function RunTimeline({ job, rows = [] }: RunTimelineProps) {
  const { attempts = NONE, history, load } = useRunWork(job.jobId);
  const now = useNow();
  const [drawing, setDrawing] = useState<HTMLElement | null>(null);
  const { from, to, bars } = toRunTimes(job, { attempts, history, now });
  const parts = bars.length + rows.length;
  if (parts === 0 || (parts === 1 && job.endedAt !== undefined)) return <MissingNotice query={load} />;
  const own: GanttRow = {
    name: "Attempts",
    bars: bars.map((bar) => toGanttBar("Job", bar)),
    end: <Mark status={statusOfJob(job.state)} />,
  };
  return (
    <Panel title="Timeline" actions={<CopyImage of={drawing} what="timeline" file={`Timeline of ${job.jobId}`} />}>
      <MissingNotice query={load} />
      <Gantt
        label="Timeline since the start"
        heads={["What", "Result"]}
        rows={[own, ...rows]}
        from={from}
        to={to}
        drawing={setDrawing}
      />
    </Panel>
  );
}

/** Renders the attempts of a job as its first picture. One that has ended is no picture: the head has all of it. */
export function AttemptSteps({ job }: { job: Job }) {
  const { attempts, history, load } = useRunWork(job.jobId);
  const now = useNow();
  if (attempts === undefined) return <MissingNotice query={load} />;
  const { bars } = toRunTimes(job, { attempts, history, now });
  const steps = toAttemptSteps(job, bars, { history, now });
  if (steps.length === 0 || (steps.length === 1 && job.endedAt !== undefined)) return null;
  return (
    <Panel title="Attempts" note={bars.length}>
      <Steps label="Attempts in order" steps={steps} />
    </Panel>
  );
}
