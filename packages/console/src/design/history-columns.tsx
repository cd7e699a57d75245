import { cutText, nameSender } from "@stackyard/core";
import type { HistoryEntry } from "@stackyard/sdk";
import { toOutcomeStatus } from "../api/status.ts";
import { Mark } from "./mark.tsx";
import type { Column } from "./table.tsx";
import { Arrow, Day, Text } from "./text.tsx";

/** A line of a history: of a stack, or of a simulated one. */
export type HistoryLine = Pick<
  HistoryEntry,
  "at" | "event" | "outcome" | "from" | "to" | "task" | "code" | "reason" | "description" | "actor"
> &
  Pick<Partial<HistoryEntry>, "actorId">;

/** Returns the columns of a list of the lines of a history. `lines`: those in which people are distinguished. */
export function toHistoryColumns<Line extends HistoryLine>(
  lines: readonly Line[],
  onShow?: (line: Line) => void,
): Column<Line>[] {
  return [
    { header: "At", cell: ({ at }) => <Day at={at} /> },
    {
      header: "Event",
      cell: (line) => (
        <span className="row nowrap">
          <Mark status={toOutcomeStatus(line.outcome)} word={`${line.outcome}:`} bare />
          {onShow === undefined ? (
            <Text>{line.event}</Text>
          ) : (
            <button type="button" className="link" onClick={() => onShow(line)}>
              <Text>{line.event}</Text>
            </button>
          )}
        </span>
      ),
    },
    {
      header: "State",
      cell: ({ from, to }) =>
        from === to ? (
          <span className="muted">
            <Text>{to ?? "–"}</Text>
          </span>
        ) : (
          <span className="nowrap">
            <Text>{from ?? "–"}</Text> <Arrow /> <Text>{to ?? "–"}</Text>
          </span>
        ),
    },
    { header: "Task", cell: ({ task }) => <Text>{task ?? ""}</Text> },
    {
      header: "Why",
      cell: ({ code, reason, description }) => (
        <Text>{shortenLine([code, reason, description].filter((part) => part !== undefined).join(": "))}</Text>
      ),
    },
    { header: "By", cell: (line) => <Text>{nameSender(line, lines) ?? ""}</Text> },
  ];
}

function shortenLine(text: string): string {
  const [line = ""] = text.split("\n");
  return cutText(line, 160);
}
