/* advice.h: the conditions in which a person is needed; each is a section of glrotate-recovery(7).
 * Touches nothing. Numbers are printed as GLR-101 and never change their meaning. */
#ifndef BASE_ADVICE_H
#define BASE_ADVICE_H

enum advice {
	GLR_NONE = 0,
	GLR_DATABASE_DAMAGED = 101,
	GLR_KEY_MISSING = 102,        /* missing, malformed, or not the one the database was made with */
	GLR_SEAL_BROKEN = 103,        /* a sealed secret does not open */
	GLR_DATABASE_NEWER = 104,
	GLR_PATH_MOVED = 105,         /* a path of the policy leads to another project, group or user than before */
	GLR_JOURNAL_OLD = 106,        /* a destination carries a later stamp of ours than the journal knows */
	GLR_SECOND_AGENT = 107,       /* a destination carries another agent's stamp */
	GLR_FOREIGN_ROTATION = 108,
	GLR_REVOKED = 109,            /* revoked, and no successor of ours: nothing is left to rotate */
	GLR_IDENTITY = 110,           /* the id is another token than the one adopted */
	GLR_OWNER_BLOCKED = 111,
	GLR_BOT_NOT_MEMBER = 112,
	GLR_DESTINATION_REFUSED = 113,
	GLR_OWN_CREDENTIAL = 114,
	GLR_CANNOT_CREATE = 115,
	GLR_NAMESAKES = 116,
	GLR_ROTATE_REFUSED = 117,
	GLR_DOUBT_STAYS = 118,        /* whether a request happened cannot be read by this credential */
	GLR_OWNER_UNREADABLE = 119,
	GLR_CLOCK = 120,              /* this host's clock and GitLab's differ: nothing is rotated */
	GLR_RESTORED = 121,           /* GitLab was put back from a backup: nothing is changed */
	GLR_LOSSES = 122,             /* more losses in one run than are repaired without a person */
	GLR_NEW_BOT = 123,            /* a lost token was made anew, and its bot user is another */
	GLR_SELF_LOST = 124,          /* a token that rotates itself: nobody holds a living secret of it */
	GLR_RESCUE = 125,             /* the rescue credential would not help */
	GLR_OLD_IN_USE = 126,         /* the old token of a replacement is still used, a week after its overlap */
	GLR_SECRET_REFUSED = 127,     /* a new deploy token lives, and its door refuses its secret */
	GLR_SLOT_SHADOWED = 128,      /* a variable goes before the slot of a deploy token that GitLab hands to jobs */
	GLR_SLOT_TWO = 129,           /* two tokens stand in one slot: which of them a job gets, GitLab does not say */
	GLR_SLOT_JOB = 130,           /* a job that may hold the old password runs on and on */
	GLR_CREDENTIALS = 131,        /* what systemd should decrypt for the service was encrypted elsewhere */
	GLR_NOT_MANAGED = 132,        /* a pattern means the token, and does not keep it alive: it can do more than the entry says */
	GLR_OWN_ENDS = 133,           /* our own credential is about to die, and nothing renews it */
	GLR_LAST = GLR_OWN_ENDS,
};

#endif
