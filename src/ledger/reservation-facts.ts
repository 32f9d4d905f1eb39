import type { Reservation } from '../admission/admission.ts';

/** What the reservation says about a call of which only the vault has spoken. */
export interface ReservationFacts {
  readonly team: string;
  readonly alias: string;
  readonly maxInput: number;
  readonly maxOutput: number;
  readonly project?: string | undefined;
  readonly user?: string | undefined;
  readonly endUser?: string | undefined;
  readonly tags?: readonly string[] | undefined;
}

export const factsOf = ({ team, alias, maxInputTokens, maxOutputTokens, project, user, endUser, tags }: Reservation): ReservationFacts => ({
  team,
  alias,
  maxInput: maxInputTokens,
  maxOutput: maxOutputTokens,
  project,
  user,
  endUser,
  tags,
});
