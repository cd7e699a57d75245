import { explainCode, explainSaid, type FailureCause } from "@stackyard/executor-runcommand/report";
import { Button } from "../design/button.tsx";
import { useChangeSearch, useSearch } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { Panel } from "../design/page.tsx";
import { Scrolled } from "../design/scrolled.tsx";
import { Text } from "../design/text.tsx";
import { STANDING_MARKS } from "./fleet-data.ts";

const SHOWN = 3;
/** What was not sent has not failed: its mark is that of the map and of the counts. */
const NOT_SENT = "NOT_SENT";

/** Renders why instances failed, what that means and what to do, the most frequent first. What was not sent because of them is last. */
export function FleetCauses({ causes }: { causes: readonly FailureCause[] }) {
  if (causes.length === 0) return null;
  return (
    <Panel title="Why they failed">
      <ol className="fleet-causes">
        {toCausesFirst(causes).map((cause) => (
          <CauseItem key={`${cause.code} ${cause.responseCode} ${cause.example}`} cause={cause} />
        ))}
      </ol>
    </Panel>
  );
}

function toCausesFirst(causes: readonly FailureCause[]): readonly FailureCause[] {
  return causes.toSorted((left, right) => Number(left.code === NOT_SENT) - Number(right.code === NOT_SENT));
}

function CauseItem({ cause: { code, responseCode, example, instanceIds } }: { cause: FailureCause }) {
  const known = explainSaid(example) ?? explainCode(code);
  const count = instanceIds.length;
  const exit = responseCode === undefined || responseCode === -1 ? "" : `exit code ${responseCode}`;
  return (
    <li data-row={code}>
      <h3 className="row">
        <Mark
          status={code === NOT_SENT ? STANDING_MARKS["not sent"] : "failed"}
          word={`${count.toLocaleString("en")} ${count === 1 ? "instance" : "instances"}`}
        />
        <code>
          <Text>{code}</Text>
        </code>
        {exit}
      </h3>
      {known !== undefined && (
        <p>
          <RichText text={known.meaning} /> <strong>What to do:</strong> <RichText text={known.advice} />
        </p>
      )}
      {example !== undefined && (
        <Scrolled label="Example" className="fleet-example" as="pre">
          <Text>{example}</Text>
        </Scrolled>
      )}
      <div className="row spread">
        <p className="muted">
          {count > SHOWN && "Such as "}
          <Text mono>{instanceIds.slice(0, SHOWN).join(", ")}</Text>
        </p>
        <ShowCode code={code} />
      </div>
    </li>
  );
}

function ShowCode({ code }: { code: string }) {
  const isShown = useSearch()["code"] === code;
  const changeSearch = useChangeSearch();
  return (
    <Button onPress={() => changeSearch({ code: isShown ? undefined : code })}>
      {isShown ? "Show all instances" : "Show these instances"}
    </Button>
  );
}

/** Renders our own text; words between backticks are code. */
function RichText({ text }: { text: string }) {
  // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text never move
  return text.split("`").map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part));
}
