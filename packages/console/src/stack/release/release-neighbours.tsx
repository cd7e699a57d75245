import type { StackDetails, StackSummary } from "@stackyard/sdk";
import { yard } from "../../api/client.ts";
import { keys } from "../../api/keys.ts";
import { toStackStatus } from "../../api/status.ts";
import { itemsOf, useLoad } from "../../api/use-load.ts";
import { TextLink } from "../../design/links.tsx";
import { Mark } from "../../design/mark.tsx";
import { MissingFact } from "../../design/page.tsx";
import { Text } from "../../design/text.tsx";

/** Releases among which the neighbours are looked for: an older one names none. */
const NEWEST = 50;

/** Renders links to the releases of the machine before and after this one, with their conditions. */
export function ReleaseNeighbours({ stack: { id, machine } }: { stack: Pick<StackDetails, "id" | "machine"> }) {
  const releases = useLoad(keys.count("releases", { machine }), (request) =>
    yard.stacks.list({ machine }, { sort: "-createdAt", limit: NEWEST, ...request }),
  );
  const items = itemsOf(releases);
  const place = items.findIndex((each) => each.id === id);
  return (
    <>
      <MissingFact word="Releases before and after" query={releases} />
      {place >= 0 && <Neighbour word="Release before" stack={items[place + 1]} />}
      {place >= 0 && <Neighbour word="Next release" stack={items[place - 1]} />}
    </>
  );
}

function Neighbour({ word, stack }: { word: string; stack: StackSummary | undefined }) {
  if (stack === undefined) return null;
  return (
    <div>
      <dt>{word}</dt>
      <dd>
        <TextLink path="/release" search={{ id: stack.id }} text={stack.id} /> <Mark status={toStackStatus(stack)} />{" "}
        <span className="muted">
          <Text>{stack.state}</Text>
        </span>
      </dd>
    </div>
  );
}
