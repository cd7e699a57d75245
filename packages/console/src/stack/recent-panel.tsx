import { nameSender } from "@stackyard/core";
import type { HistoryEntry } from "@stackyard/sdk";
import { toOutcomeStatus } from "../api/status.ts";
import { type Happening, Happenings } from "../design/happenings.tsx";
import { To } from "../design/links.tsx";
import { Loaded, Panel } from "../design/page.tsx";
import { Text } from "../design/text.tsx";
import { formatEntry } from "../text/format-entry.ts";
import type { StackSource } from "./source.ts";
import { useNewestHistory } from "./use-newest-history.ts";

const SHOWN = 5;

/** Renders the last moves of a stack between states, in sentences by day; each leads to its place in the history. */
export function RecentPanel({ source }: { readonly source: StackSource }) {
  const history = useNewestHistory(source);
  return (
    <Panel title="Last moves">
      <Loaded query={history} height={160}>
        {({ items }) => {
          const moves = items.filter(isMove).slice(0, SHOWN);
          if (moves.length === 0)
            return <p className="panel-body muted">It has not moved in its last {items.length} lines.</p>;
          return <Happenings label="Last moves" items={moves.map((entry) => toHappening(entry, items, source))} />;
        }}
      </Loaded>
    </Panel>
  );
}

/** A line by which the stack entered another state. */
function isMove({ outcome, from, to }: HistoryEntry): boolean {
  return outcome === "applied" && to !== undefined && to !== from;
}

function toHappening(entry: HistoryEntry, entries: readonly HistoryEntry[], source: StackSource): Happening {
  const { position, at, outcome } = entry;
  const by = nameSender(entry, entries);
  const text = formatEntry(entry);
  return {
    key: String(position),
    at,
    status: toOutcomeStatus(outcome),
    word: outcome,
    what: (
      <>
        <To path={source.path} search={{ id: source.stackId, tab: "history", at: String(position) }}>
          <Text>{`${text.charAt(0).toUpperCase()}${text.slice(1)}`}</Text>
        </To>
        {by !== undefined && (
          <span className="muted">
            {" by "}
            <Text>{by}</Text>
          </span>
        )}
      </>
    ),
  };
}
