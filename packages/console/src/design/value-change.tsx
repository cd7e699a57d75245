import { Arrow, Text } from "./text.tsx";

/** A value that has changed; undefined: it is not set. */
export interface ValueDifference {
  readonly what: string;
  readonly before: string | undefined;
  readonly now: string | undefined;
}

const SHOWN_CHARACTERS = 200;

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
  return <Text mono>{text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text}</Text>;
}
