/** The name of the executor of approvals: people do this work, and no worker runs it. Apart, because each project's configuration loads it. */
export const APPROVAL = "approval";
