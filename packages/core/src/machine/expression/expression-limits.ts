/** What one expression may cost. */
export const EXPRESSION_LIMITS = {
  /** Characters of the source. */
  maxCharacters: 4096,
  /** Nodes of the syntax tree. */
  maxNodes: 2000,
  /** `${…}` of one template. */
  maxPlaceholders: 1000,
  /** Calls, selections, brackets and conditions inside each other. */
  maxDepth: 48,
  /** Entries of a list or map that is written out. */
  maxEntries: 1000,
  /** Steps of one evaluation, or of one whole template; a step is some tenth of a microsecond. */
  maxSteps: 100_000,
  /** Characters of any text that comes up while evaluating, and of a whole result. */
  maxText: 262_144,
  /** Entries of a list that a function makes. */
  maxList: 10_000,
  /** Characters of a regular expression. */
  maxPattern: 256,
  /** Maps and lists inside each other, in results and templates. */
  maxNesting: 64,
  /** Characters of a reason. */
  maxReason: 500,
} as const;
