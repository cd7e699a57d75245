/** Something of a project-config that no running and no serving release owns. */
export interface LeftOver {
  readonly kind: "group" | "template" | "launch-configuration" | "alarm" | "placement-group";
  readonly name: string;
  readonly releaseId?: string;
  readonly service?: string;
  /** A sentence for people. */
  readonly why: string;
  /** False: somebody has to decide first, as `why` says. */
  readonly removable: boolean;
}
