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

/** The promises of a life: a story of a whole thing, while people, tools and time change what is around it. */
export const LIFE_INVARIANTS = {
  newest: "what was wished last stands in the end, or it is said why not",
  said: "whatever was said to be done was true at that instant",
  back: "after a change and its documented way back, all is as without them",
} as const;

/** The name of a promise of a life. */
export type LifeInvariant = keyof typeof LIFE_INVARIANTS;

/** The name of an invariant. */
export type WeatherInvariant = keyof typeof INVARIANTS | LifeInvariant;
