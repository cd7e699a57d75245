/** The promises that hold in every weather. */
export const INVARIANTS = {
  once: "work begins once",
  "in work": "running work is not ended without a request",
  true: "the verdict is the truth, or unknown",
  ends: "the story ends",
  left: "everything that remains is listed",
  foreign: "what belongs to others is not changed",
  views: "after a quiet time, every view shows the truth",
} as const;

/** The name of an invariant. */
export type WeatherInvariant = keyof typeof INVARIANTS;
