-- +goose Up

-- Departments, streets and towns. The number is the department's place in resource codes.
CREATE TABLE agent (
    id          text     PRIMARY KEY CHECK (id ~ '^[a-z][a-z0-9_]{1,31}$'),
    number      smallint NOT NULL UNIQUE CHECK (number BETWEEN 1 AND 999),
    name_zh     text     NOT NULL CHECK (name_zh <> ''),
    name_en     text     NOT NULL,
    kind        text     NOT NULL CHECK (kind IN ('bureau', 'centre', 'street', 'town')),
    credit_code text     NOT NULL UNIQUE CHECK (credit_code ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'),
    sample      boolean  NOT NULL DEFAULT false
);

-- The names are those of a Shanghai district. The credit codes are samples: their form and check characters are right
-- (GB 32100-2015, GB 11714-1997), their numbers belong to nobody.
INSERT INTO agent (id, number, name_zh, name_en, kind, credit_code, sample) VALUES
    ('databureau', 1, '区数据局', 'District Data Bureau', 'bureau', '11310107PT0009010B', true),
    ('opcentre', 2, '区城运中心', 'District Operation Centre', 'centre', '12310107PT00090295', true),
    ('construction', 3, '区建管委', 'Construction and Management Commission', 'bureau', '11310107PT00090373', true),
    ('ecology', 4, '区生态环境局', 'Ecology and Environment Bureau', 'bureau', '11310107PT0009045X', true),
    ('market', 5, '区市场监管局', 'Market Regulation Bureau', 'bureau', '11310107PT0009053Q', true),
    ('civil', 6, '区民政局', 'Civil Affairs Bureau', 'bureau', '11310107PT0009061K', true),
    ('housing', 7, '区房管局', 'Housing Bureau', 'bureau', '11310107PT000907XB', true),
    ('emergency', 8, '区应急局', 'Emergency Management Bureau', 'bureau', '11310107PT0009088B', true),
    ('police', 9, '公安分局', 'Public Security Branch', 'bureau', '11310107PT00090966', true),
    ('urban', 10, '区城管执法局', 'Urban Management Enforcement Bureau', 'bureau', '11310107PT0009109U', true),
    ('health', 11, '区卫健委', 'Health Commission', 'bureau', '11310107PT0009117N', true),
    ('caoyang', 12, '曹杨新村街道', 'Caoyang Xincun Subdistrict', 'street', '11310107PT0009125H', true),
    ('changfeng', 13, '长风新村街道', 'Changfeng Xincun Subdistrict', 'street', '11310107PT0009133C', true),
    ('changshou', 14, '长寿路街道', 'Changshou Road Subdistrict', 'street', '11310107PT00091417', true),
    ('ganquan', 15, '甘泉路街道', 'Ganquan Road Subdistrict', 'street', '11310107PT000915XY', true),
    ('shiquan', 16, '石泉路街道', 'Shiquan Road Subdistrict', 'street', '11310107PT0009168Y', true),
    ('yichuan', 17, '宜川路街道', 'Yichuan Road Subdistrict', 'street', '11310107PT0009176R', true),
    ('wanli', 18, '万里街道', 'Wanli Subdistrict', 'street', '11310107PT0009184L', true),
    ('zhenru', 19, '真如镇街道', 'Zhenru Subdistrict', 'street', '11310107PT0009192F', true),
    ('changzheng', 20, '长征镇', 'Changzheng Town', 'town', '11310107PT00092055', true),
    ('taopu', 21, '桃浦镇', 'Taopu Town', 'town', '11310107PT00092130', true);

ALTER TABLE account ADD CONSTRAINT account_department FOREIGN KEY (department) REFERENCES agent;

-- Numbers that the law or the district sets, by version. A version is added, never changed.
CREATE TABLE rule (
    key        text        NOT NULL CHECK (key ~ '^[a-z_]+(\.[a-z_]+)+$'),
    version    integer     NOT NULL CHECK (version > 0),
    value      integer     NOT NULL CHECK (value BETWEEN 0 AND 10000),
    unit       text        NOT NULL CHECK (unit IN ('working_days', 'days', 'hours', 'years')),
    source     text        NOT NULL CHECK (source <> ''),
    valid_from timestamptz NOT NULL,
    set_by     text        NOT NULL DEFAULT '',
    PRIMARY KEY (key, version)
);

INSERT INTO rule (key, version, value, unit, source, valid_from) VALUES
    ('registration.accept',   1,  5, 'working_days', 'district default; set it by the local rule', '2025-03-01'),
    ('registration.review',   1, 20, 'working_days', '公共数据资源登记管理暂行办法 (发改数据规〔2025〕26号); article to be checked against the official text', '2025-03-01'),
    ('registration.return',   1, 10, 'working_days', 'district default; set it by the local rule', '2025-03-01'),
    ('registration.notice',   1,  5, 'working_days', 'district default; 发改数据规〔2025〕26号 asks for a public notice, its length to be checked against the official text', '2025-03-01'),
    ('registration.validity', 1,  3, 'years',        '公共数据资源登记管理暂行办法 (发改数据规〔2025〕26号); article to be checked against the official text', '2025-03-01'),
    ('timeliness.realtime',   1,  1, 'hours',        'district default', '2025-03-01'),
    ('timeliness.daily',      1,  1, 'days',         'declared 更新周期', '2025-03-01'),
    ('timeliness.weekly',     1,  7, 'days',         'declared 更新周期', '2025-03-01'),
    ('timeliness.monthly',    1, 31, 'days',         'declared 更新周期', '2025-03-01'),
    ('timeliness.quarterly',  1, 92, 'days',         'declared 更新周期', '2025-03-01'),
    ('timeliness.yearly',     1, 366, 'days',        'declared 更新周期', '2025-03-01'),
    ('timeliness.grace',      1,  1, 'working_days', 'district default', '2025-03-01');

-- Days that are worked, or not, against their weekday.
CREATE TABLE moved_day (
    day    date    PRIMARY KEY,
    works  boolean NOT NULL,
    name   text    NOT NULL,
    source text    NOT NULL
);

INSERT INTO moved_day (day, works, name, source)
SELECT d::date, false, n, '国务院办公厅关于2026年部分节假日安排的通知; to be checked against the official text'
FROM (VALUES ('元旦', '2026-01-01', '2026-01-03'), ('春节', '2026-02-15', '2026-02-23'), ('清明节', '2026-04-04', '2026-04-06'),
             ('劳动节', '2026-05-01', '2026-05-05'), ('端午节', '2026-06-19', '2026-06-21'), ('中秋节', '2026-09-25', '2026-09-27'),
             ('国庆节', '2026-10-01', '2026-10-07')) AS h (n, a, b),
     generate_series(a::date, b::date, interval '1 day') AS d
UNION ALL
SELECT d::date, true, '调休上班', '国务院办公厅关于2026年部分节假日安排的通知; to be checked against the official text'
FROM unnest(ARRAY['2026-01-04', '2026-02-14', '2026-02-28', '2026-05-09', '2026-09-20', '2026-10-10']) AS d;
