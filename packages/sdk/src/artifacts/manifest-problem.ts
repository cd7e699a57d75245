/** Where a manifest is wrong, as a JSON pointer, and how it must be. Values are not repeated. */
export interface ManifestProblem {
  readonly pointer: string;
  readonly message: string;
}
