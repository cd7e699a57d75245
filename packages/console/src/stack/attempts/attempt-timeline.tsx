import { useState } from "react";
import { itemsOf, useLoad } from "../../api/use-load.ts";
import { Gantt } from "../../design/charts/gantt.tsx";
import { CopyImage } from "../../design/copy-image.tsx";
import { Mark } from "../../design/mark.tsx";
import { MissingNotice, Panel } from "../../design/page.tsx";
import { Text, useNow } from "../../design/text.tsx";
import { toGanttBar } from "../../runs/attempt-bars.ts";
import type { StackProps } from "../source.ts";
import { toAttemptRows } from "./attempt-rows.ts";

/** Lines of the history that say when attempts ended. */
const LINES = 200;

/** Renders the attempts of the present state on a line of time: what waited, ran, failed and was tried again. */
export function AttemptTimeline({ source, stack }: StackProps) {
  const attempts = useLoad(source.key("attempts"), ({ signal }) => source.loadAttempts(signal));
  const history = useLoad(source.key("history", { newest: LINES }), ({ signal }) =>
    source.loadHistory({ limit: LINES, signal }),
  );
  const now = useNow();
  const [drawing, setDrawing] = useState<HTMLElement | null>(null);
  if (stack.tasks.length === 0) return null;
  if (attempts.data === undefined) return <MissingNotice query={attempts} />;
  const rows = toAttemptRows(stack, attempts.data, itemsOf(history));
  if (rows.every(({ bars }) => bars.length === 0)) return null;
  const linked = source.refusal === undefined;
  return (
    <Panel
      title="Attempts"
      note={<Text>{`since ${stack.state} was entered`}</Text>}
      actions={<CopyImage of={drawing} what="timeline" file={`Attempts of ${stack.id}`} />}
    >
      <MissingNotice query={history} />
      <Gantt
        label="Attempts since the state was entered"
        heads={["Task", "Result"]}
        rows={rows.map(({ task, status, bars, ...row }) => ({
          ...row,
          name: task,
          bars: bars.map((bar) => toGanttBar(task, bar, linked)),
          end: <Mark status={status} />,
        }))}
        from={Date.parse(stack.enteredAt)}
        to={now}
        drawing={setDrawing}
      />
    </Panel>
  );
}
