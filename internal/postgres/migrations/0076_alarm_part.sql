-- +goose Up

-- Who decides on the alarms of a part of the devices. epoch counts how often it was taken: what an older holder saves is
-- refused. Rows inserted before rx are in the states of all the part's devices. number is 0 and of is 0 for a domain's
-- plain part.
CREATE TABLE alarm_part (
    domain text   NOT NULL,
    number integer NOT NULL,
    of     integer NOT NULL,
    epoch  bigint NOT NULL,
    rx     timestamptz,
    PRIMARY KEY (domain, number, of)
);
INSERT INTO alarm_part (domain, number, of, epoch, rx)
SELECT DISTINCT d.kind, 0, 0, 0, s.rx FROM device d, alarm_state s WHERE s.device = '';

-- What whoever decides on a device must look at: rows that came by another way than its own (alarm is empty), or what
-- people found about an alarm.
CREATE TABLE alarm_note (
    device   text        NOT NULL,
    alarm    text        NOT NULL DEFAULT '',
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,
    version  bigint      NOT NULL DEFAULT 0, -- counts how often it was widened
    PRIMARY KEY (device, alarm)
);
