import { cutText } from "@stackyard/core";
import { Arrow, Text } from "./text.tsx";

/** A value that has changed; undefined: it is not set. */
export interface ValueDifference {
  readonly what: string;
  readonly before: string | undefined;
  readonly now: string | undefined;
}

const SHOWN_CHARACTERS = 200;
/** A commit or another digest: its begin is enough to know it by, and the whole is its title. */
const DIGEST = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Renders a value that has changed, as a pair. */
export function ValueChange({ what, before, now }: ValueDifference) {
  return (
    <>
      <dt>
        <Text>{what}</Text>
      </dt>
      <dd className="wrap">
        <Value text={before} /> <Arrow /> <Value text={now} />
      </dd>
    </>
  );
}

function Value({ text }: { text: string | undefined }) {
  if (text === undefined) return <span className="muted">not set</span>;
  if (DIGEST.test(text)) {
    return (
      <span title={text}>
        <Text mono>{text.slice(0, 12)}</Text>
      </span>
    );
  }
  return <Text mono>{cutText(text, SHOWN_CHARACTERS)}</Text>;
}
