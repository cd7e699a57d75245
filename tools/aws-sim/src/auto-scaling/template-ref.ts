/** A launch template as a group names it. */
export interface TemplateRef {
  readonly id: string;
  readonly name: string;
  /** A number, `$Latest` or `$Default`. */
  readonly version: string;
}
