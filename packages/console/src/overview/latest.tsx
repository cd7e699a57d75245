import type { HistoryEntry } from "@stackyard/sdk";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { TextLink } from "../design/links.tsx";
import { Mark, type Status } from "../design/mark.tsx";
import { Empty, Loaded, Panel } from "../design/page.tsx";
import { Day, Text } from "../design/text.tsx";
import { formatEntry } from "../text/format-entry.ts";

const SHOWN = 12;

/** Loads the newest lines of the yard's history. */
export function useLatest() {
  return useLoad(keys.list("latest"), ({ signal }) => yard.events.list({ limit: SHOWN, signal }));
}

/** Renders the newest lines of the yard's history. */
export function Latest() {
  const latest = useLatest();
  return (
    <Panel title="Latest" note="newest first">
      <Loaded query={latest} height={200}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>No event has been applied yet.</Empty>
          ) : (
            <ul className="overview-latest">
              {items.map((entry) => (
                <EntryLine key={entry.position} entry={entry} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </Panel>
  );
}

const STATUSES: Readonly<Record<string, Status>> = {
  parked: "parked",
  refused: "rejected",
  "dead-lettered": "dead-letter",
  ignored: "skipped",
  removed: "removed",
};

function EntryLine({ entry }: { entry: HistoryEntry }) {
  const { at, stackId, event, outcome, code, position } = entry;
  const status = event === "TASK_ERROR" ? "failed" : STATUSES[outcome];
  return (
    <li data-row={String(position)}>
      <Day at={at} short />
      <span className="overview-latest-mark">{status !== undefined && <Mark status={status} bare />}</span>
      <span className="wrap">
        <TextLink path="/stack" search={{ id: stackId, tab: "history", at: String(position) }} text={stackId} />{" "}
        <Text>{formatEntry(entry)}</Text>
        {code !== undefined && (
          <span className="muted">
            {" "}
            <Text mono>{code}</Text>
          </span>
        )}
      </span>
    </li>
  );
}
