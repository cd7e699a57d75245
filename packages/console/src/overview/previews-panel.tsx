import type { StackPreview } from "@stackyard/sdk";
import { isAbsent, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { hasFailed, useLoad } from "../api/use-load.ts";
import { TextLink } from "../design/links.tsx";
import { CONDITIONS, Mark, type Status } from "../design/mark.tsx";
import { MissingNotice, Panel } from "../design/page.tsx";
import { Text } from "../design/text.tsx";
import { toSafeLink } from "../text/safe-text.ts";

const SHOWN = 6;
const COUNTED = 100;

/** Renders where previews are, and what they cost together. Nothing in a yard without previews. */
export function PreviewsPanel() {
  const previews = useLoad(keys.other("previews"), ({ signal }) => yard.previews.list({ limit: COUNTED, signal }), {
    refetchInterval: 30_000,
  });
  if (previews.data === undefined) {
    return hasFailed(previews) && !isAbsent(previews.error) ? (
      <Panel title="Previews">
        <MissingNotice query={previews} />
      </Panel>
    ) : null;
  }
  const { items, cursor } = previews.data;
  if (items.length === 0) return null;
  const priced = items.filter(({ monthlyCost }) => monthlyCost !== undefined);
  const cost = priced.reduce((sum, { monthlyCost = 0 }) => sum + monthlyCost, 0);
  const count = `${items.length}${cursor === undefined ? "" : "+"}`;
  return (
    <Panel
      title="Previews"
      note={count}
      footer={
        priced.length > 0 && (
          <span>
            {priced.length < items.length || cursor !== undefined ? `${priced.length} of ${count} cost` : "Together"}{" "}
            {cost.toFixed(2)} USD a month, estimated
          </span>
        )
      }
    >
      <ul className="overview-previews">
        {[...items]
          .sort(byTrouble)
          .slice(0, SHOWN)
          .map((preview) => (
            <PreviewLine key={preview.stackId} preview={preview} />
          ))}
      </ul>
    </Panel>
  );
}

function PreviewLine({ preview }: { preview: StackPreview }) {
  const { stackId, pull, url } = preview;
  const link = url === undefined ? undefined : toSafeLink(url);
  return (
    <li data-row={`preview ${stackId}`}>
      <div className="overview-preview">
        <TextLink path="/stack" search={{ id: stackId }} className="name" text={stackId} />
        <span className="muted small">
          <Text>{`#${pull.number} ${pull.title ?? ""}`}</Text>
        </span>
      </div>
      <Mark status={toStatus(preview)} />
      {link === undefined ? (
        <span className="muted small">no link</span>
      ) : (
        <a href={link.href} target="_blank" rel="noopener noreferrer">
          Open
          <span className="hidden-visually">
            {" "}
            {stackId} at {link.host}, in a new tab
          </span>
        </a>
      )}
    </li>
  );
}

/** Returns the main condition, as core decides it; that of a server before it was reported, from the other fields. */
function toStatus(preview: StackPreview): Status {
  if (preview.state === undefined) return "waiting";
  return preview.mainCondition ?? (preview.failed ? "failed" : preview.overdue ? "overdue" : "healthy");
}

const ORDER: readonly Status[] = CONDITIONS;

function byTrouble(a: StackPreview, b: StackPreview): number {
  return (
    ORDER.indexOf(toStatus(a)) - ORDER.indexOf(toStatus(b)) || ((a.enteredAt ?? "") < (b.enteredAt ?? "") ? 1 : -1)
  );
}
