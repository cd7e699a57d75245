import { toSafeText } from "../../text/safe-text.ts";
import { To } from "../links.tsx";
import { Mark, type Status, toneOf, wordOf } from "../mark.tsx";
import { Text } from "../text.tsx";
import "./steps.css";

/** A part of what runs: an attempt of a job, a wave of a fleet, a state of a release. */
export interface Step {
  readonly key: string;
  readonly name: string;
  readonly status: Status;
  /** A few words below the name, such as how long it took. */
  readonly note: string;
  /** Where it leads. */
  readonly link?: { readonly path: string; readonly search: Readonly<Record<string, string>> };
  /** The reader has chosen it. */
  readonly chosen?: boolean;
}

/** Renders the parts of what runs in their order, each with its state: the first picture of its page. */
export function Steps({ label, steps }: { label: string; steps: readonly Step[] }) {
  return (
    <ol className="steps-strip" aria-label={label}>
      {steps.map((step) => (
        <li key={step.key} className={`tone-${toneOf(step.status)}`}>
          <Block step={step} />
        </li>
      ))}
    </ol>
  );
}

function Block({ step: { name, status, note, link, chosen } }: { step: Step }) {
  const inside = (
    <>
      <span className="steps-name">
        <Mark status={status} bare /> <Text>{name}</Text>
      </span>
      <span className="steps-note">
        <Text>{note}</Text>
      </span>
    </>
  );
  if (link === undefined) return <div className="steps-block">{inside}</div>;
  const label = toSafeText(`${name}: ${wordOf(status).toLowerCase()}, ${note}`);
  return (
    <To
      path={link.path}
      search={link.search}
      className="steps-block"
      label={label}
      {...(chosen === true && { current: true })}
    >
      {inside}
    </To>
  );
}
