/** What keeps two servers from answering the same client. Each can be switched off, to prove that its absence is found. */

export const ruleNames = ["release", "confirm", "lease", "revive", "held", "mutual"] as const;
export type RuleName = (typeof ruleNames)[number];

/**
 * `release`: who gets buckets waits until their owners have released them. `confirm`: released is what the filter has
 * stopped accepting, not what it was told to. `lease`: the kernel stops accepting when no pulses go out. `revive`: only a
 * new view, not a pulse, lets it accept again. `held`: a thread that is started again knows what the filter may have.
 * `mutual`: a node counts only if it hears this one too.
 */
export type Rules = Readonly<Record<RuleName, boolean>>;

export const allRules: Rules = { release: true, confirm: true, lease: true, revive: true, held: true, mutual: true };
