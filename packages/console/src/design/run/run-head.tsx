import type { ReactNode } from "react";
import { findPlace, withoutPlace } from "../../text/find-place.ts";
import { Pill, type Status } from "../mark.tsx";
import { Scrolled } from "../scrolled.tsx";
import { Text } from "../text.tsx";
import "./run-head.css";

interface RunHeadingProps {
  readonly status: Status;
  readonly word?: string;
  readonly children: ReactNode;
}

/** Renders the heading of everything that runs: its state, then its name. */
export function RunHeading({ status, word, children }: RunHeadingProps) {
  return (
    <span className="row">
      <Pill status={status} {...(word !== undefined && { word })} />
      <span className="wrap">{children}</span>
    </span>
  );
}

interface RunHeadProps {
  /** The facts of the run: what, where, by whom and since when, in this order. A fact that is undefined or false is left out. */
  readonly facts: Readonly<Record<string, ReactNode>>;
}

/** Renders the facts of everything that runs, below its heading: what, where, by whom, since when, and links. */
export function RunHead({ facts }: RunHeadProps) {
  const shown = Object.entries(facts).filter(([, value]) => value !== undefined && value !== false);
  return (
    <div className="run-head">
      <dl>
        {shown.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

interface RunErrorProps {
  readonly code: string;
  readonly message: string;
  /** Such as the lines of a log that explain it. */
  readonly children?: ReactNode;
}

/** Renders the error of what failed, once and before everything else: code, text as it came, and the line of a file it names. */
export function RunError({ code, message, children }: RunErrorProps) {
  return (
    <section className="panel failure" aria-label="Error">
      <div className="notice fail run-error">
        <p className="tone-fail">
          <Text mono>{code}</Text>
        </p>
        <Scrolled label="Message" className="failure-message">
          <Text mono>{withoutPlace(message)}</Text>
        </Scrolled>
        <PlaceOf text={message} />
        {children}
      </div>
    </section>
  );
}

/** Renders the file and the line that an error names; nothing where it names none. */
export function PlaceOf({ text }: { text: string }) {
  const place = findPlace(text);
  if (place === undefined) return null;
  return (
    <p className="run-place">
      <span className="muted">in</span> <Text mono>{`${place.file}:${place.line}`}</Text>
    </p>
  );
}
