import type { ReactNode } from "react";

/** The meaning of a color. */
export type Tone = "fail" | "warn" | "busy" | "wait" | "ok" | "off";

/** A status of a stack, task, event or job. */
export type Status =
  | "failed"
  | "degraded"
  | "dead-letter"
  | "rejected"
  | "overdue"
  | "stalled"
  | "retrying"
  | "running"
  | "waiting"
  | "queued"
  | "parked"
  | "approval"
  | "succeeded"
  | "quiet"
  | "skipped"
  | "cancelled"
  | "removed";

interface Look {
  readonly word: string;
  readonly tone: Tone;
  readonly shape: ReactNode;
}

const box = <rect x="2" y="2" width="12" height="12" />;
const ring = <circle cx="8" cy="8" r="6" />;
const cross = <path d="m5 5 6 6m0-6-6 6" />;

// Drawn on 16 × 16 with a stroke of 1.6; each shape is distinguishable without its color.
const LOOKS: Readonly<Record<Status, Look>> = {
  failed: {
    word: "Failed",
    tone: "fail",
    shape: [box, cross].map((part, i) => <g key={i === 0 ? "box" : "x"}>{part}</g>),
  },
  "dead-letter": {
    word: "Dead letter",
    tone: "fail",
    shape: <path d="M1.5 4h13v8.5h-13zm0 0 13 8.5m0-8.5-13 8.5" />,
  },
  rejected: { word: "Rejected", tone: "fail", shape: <path d="M8 1.5 14.5 8 8 14.5 1.5 8zM5.5 5.5l5 5" /> },
  degraded: { word: "Degraded", tone: "fail", shape: <path d="M8 1.5 14.5 8 8 14.5 1.5 8zM8 5v4m0 2v.5" /> },
  overdue: { word: "Overdue", tone: "warn", shape: <path d="m8 2 6.5 12h-13zM8 6.5v4M8 12v.5" /> },
  stalled: { word: "Stalled", tone: "warn", shape: <path d="m5 2h6l3.5 6-3.5 6H5L1.5 8zM8 5v4m0 2v.5" /> },
  retrying: { word: "Retrying", tone: "warn", shape: <path d="M13.5 8A5.5 5.5 0 1 1 11.5 3.8M12 1v3.5H8.5" /> },
  running: {
    word: "Running",
    tone: "busy",
    shape: (
      <>
        {ring}
        <path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor" />
      </>
    ),
  },
  waiting: { word: "Waiting", tone: "wait", shape: ring },
  queued: {
    word: "Queued",
    tone: "wait",
    shape: (
      <>
        {ring}
        <path d="M7 6.5 8.3 5.5V11" />
      </>
    ),
  },
  parked: { word: "Parked", tone: "wait", shape: <path d="M5 3v10M11 3v10" strokeWidth="3" /> },
  approval: { word: "Approval", tone: "wait", shape: <path d="M8 1.5 14.5 8 8 14.5 1.5 8z" /> },
  succeeded: { word: "Succeeded", tone: "ok", shape: <path d="m2.5 8.5 3.5 4 7.5-9" /> },
  quiet: { word: "Quiet", tone: "ok", shape: <circle cx="8" cy="8" r="3" fill="currentColor" /> },
  skipped: { word: "Skipped", tone: "off", shape: <path d="M3 8h10" /> },
  cancelled: { word: "Cancelled", tone: "off", shape: <path d="m4 14 8-12" /> },
  removed: { word: "Removed", tone: "off", shape: <g strokeDasharray="3 2">{box}</g> },
};

/** Returns the tone of a status. */
export function toneOf(status: Status): Tone {
  return LOOKS[status].tone;
}

/** Returns the word of a status, such as `Failed`. */
export function wordOf(status: Status): string {
  return LOOKS[status].word;
}

/** Renders the shape of a status inside another drawing; its left upper corner is at `x`, `y`. */
export function MarkShape({ status, x, y }: { status: Status; x: number; y: number }) {
  const { tone, shape } = LOOKS[status];
  return (
    <g
      className={`tone-${tone}`}
      transform={`translate(${x} ${y}) scale(0.875)`}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
    >
      {shape}
    </g>
  );
}

/**
 * Renders a status as a shape and a word. `word` replaces the usual one, such as `Failed 37`; `bare` shows only the
 * shape.
 */
export function Mark({ status, word, bare }: { status: Status; word?: string; bare?: boolean }) {
  const look = LOOKS[status];
  const text = word ?? look.word;
  return (
    <span className={`mark tone-${look.tone}`} title={bare ? text : undefined}>
      <svg
        width="14"
        height="14"
        viewBox="0 0 16 16"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.6"
        aria-hidden="true"
      >
        {look.shape}
      </svg>
      <span className={bare ? "hidden-visually" : undefined}>{text}</span>
    </span>
  );
}
